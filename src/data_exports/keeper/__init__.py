"""The function that tells people of what nobody does: an access that ends, a promised delivery that does not come."""
