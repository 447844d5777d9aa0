"""What the owner wrote: YAML flow files, read, checked and made into one frozen `Flow`. Pure, but for reading files."""
