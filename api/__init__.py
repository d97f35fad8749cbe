"""A face: the reseller API v2 that other people's clients already speak, and its documentation."""
