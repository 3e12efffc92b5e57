"""The pytest plug-in of checkoutflow."""
