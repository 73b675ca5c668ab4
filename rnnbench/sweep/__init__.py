"""What ``-m`` does: points, and their trials one after the other."""
