"""What is sold: providers, their services, our services, prices."""
