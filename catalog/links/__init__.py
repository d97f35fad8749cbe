"""What customers paste as a link: cleaned, understood, and refused with a sentence where nothing can be sold for it."""
