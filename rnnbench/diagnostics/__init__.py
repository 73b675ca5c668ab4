"""What a backbone is measured against and how: speed, and the machine's own limits."""
