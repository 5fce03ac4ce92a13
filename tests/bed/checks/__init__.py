"""What the bed promises, as checks against a running one. Each function `check_*` takes a World."""
