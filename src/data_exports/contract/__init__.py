"""What the function in AWS and the rest agree on. Standard library only: it goes into the zip."""
