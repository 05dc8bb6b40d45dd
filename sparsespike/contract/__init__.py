"""What every folder agrees on: configurations, integer networks, programs and counters."""
