"""Energy and throughput of a run, computed from its activity counters."""
