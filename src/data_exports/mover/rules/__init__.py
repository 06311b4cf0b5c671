"""The rules of a delivery: what is asked for, in which order, and what each answer means; they know no network."""
