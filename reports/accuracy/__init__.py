"""The page on accuracy, sparsity and tokens: measured frames in, Markdown and pictures out."""
