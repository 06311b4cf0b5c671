"""What exists before the stack that is to hold it, taken over in place."""
