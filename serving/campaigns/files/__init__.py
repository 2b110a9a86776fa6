"""What leaves the shop for a campaign: contact files and audiences of advertising platforms."""
