"""What tests need to look at the world from outside."""
