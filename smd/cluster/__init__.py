"""Jobs on other machines: a node computes, the job's process on the head records, as ever."""
