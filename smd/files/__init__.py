"""Files on disks that fill up, lose power or come from elsewhere."""
