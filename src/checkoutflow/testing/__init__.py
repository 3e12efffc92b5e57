"""What merchants and authors of plug-ins import in their own tests."""
