"""What was measured about services: days added up to medians and shares, and the words for what was not measured."""
