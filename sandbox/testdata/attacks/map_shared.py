# Memory that a process shares with what it forks, and memory that stays where it is.
# contained by: inner
# not by outer: the loader maps files, in ways that a filter would have to tell from these one by one. What is shared is shared with nobody: no process can be made that the inner jail lets live
table({"shared": call(9, 0, 4096, 3, 0x21, -1, 0), "locked": call(9, 0, 4096, 3, 0x22 | 0x8000, -1, 0)})
