"""What `rnnbench new` writes: small working plugins. The names in them are replaced by the person's own."""
