package main

import "golang.org/x/sys/unix"

// createArch are the calls from before there were directory descriptors.
var createArch = []rule{
	{call: unix.SYS_OPEN, errno: unix.EROFS, arg: 1, mask: unix.O_CREAT},
	{call: unix.SYS_OPEN, errno: unix.EROFS, arg: 1, mask: unix.O_TMPFILE &^ unix.O_DIRECTORY},
	{call: unix.SYS_CREAT, errno: unix.EROFS},
	{call: unix.SYS_MKDIR, errno: unix.EROFS},
	{call: unix.SYS_MKNOD, errno: unix.EROFS},
	{call: unix.SYS_SYMLINK, errno: unix.EROFS},
	{call: unix.SYS_LINK, errno: unix.EROFS},
}
