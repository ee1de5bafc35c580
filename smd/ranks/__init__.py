"""One training on several processes, a rank each: who they are, which rows each has, how they add
up."""
