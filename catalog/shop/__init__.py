"""What customers see: services on sale, the price list, updates."""
