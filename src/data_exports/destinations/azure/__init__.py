"""A recipient's container of Azure Blob Storage."""
