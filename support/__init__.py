"""A face: what customers ask the owner. Today they ask through the API, and the owner answers by mail."""
