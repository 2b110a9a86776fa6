"""Libraries that may be absent or come later: extras, what packages bring, imports at first use."""
