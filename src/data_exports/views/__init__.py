"""Values → text, Markdown, JSON: one module a question. Only the command line and the demo import it."""
