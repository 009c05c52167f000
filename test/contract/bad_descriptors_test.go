//go:build linux

package contract

// Programs that lay hands on their descriptors: 0, 1 and 2, and 3, on which a run
// has its program from the server. What a run says there is about itself only.
var badDescriptors = []badProgram{
	{name: "closes all", code: "import os\nos.closerange(0, 64)", want: well("")},
	{name: "closes all, goes on", timeout: short, code: "import os\nprint('a')\nos.closerange(0, 64)\nwhile True: pass", want: killedAtDeadline("a\n")},
	{name: "closes all, prints", code: "import os\nos.closerange(0, 64)\nprint('a')", want: failed(1, "", "")},
	{name: "closes stderr, fails", code: "import os, atexit\natexit.register(print, 'last')\nos.close(2)\n1/0", want: failed(1, "last\n", "")},
	{name: "closes stdout", code: "import os, sys\nos.close(1)\nsys.stdout.write('a')", want: failed(120, "", "")},
	{name: "closes control", code: "import os\nos.close(3)\nprint('a')", want: well("a\n")},
	{name: "closes control, out of memory", memory: 64, code: "import os\nos.close(3)\nbytes(1 << 40)", want: failed(1, "", "…\nMemoryError\n")},
	{name: "scribbles on all", code: "import os\nfor fd in range(1024):\n try: os.write(fd, b'x' * 10)\n except OSError: pass", want: ending{status: 200, outcome: "ok", stdout: "xxxxxxxxxx", stderr: "xxxxxxxxxx"}},
	{name: "scribbles on control", code: "import os\nfor _ in range(16): os.write(3, b'\\xff' * 1000)\nprint('a')", want: well("a\n")},
	{name: "fills control", timeout: short, code: "import os\nprint('a')\nwhile True: os.write(3, b'\\xff' * 4096)", want: killedAtDeadline("a\n")},
	{name: "fills control with frames", timeout: short, code: "import os\nprint('a')\nwhile True: os.write(3, b'N\\x02\\0\\0\\0[]')", want: killedAtDeadline("a\n")},
	{name: "reads control", timeout: short, code: "import os\nprint('a')\nos.read(3, 1)", want: killedAtDeadline("a\n")},
	{name: "forges a huge frame", code: "import os\nos.write(3, b'V\\xff\\xff\\xff\\xff')\nprint('a')", want: well("a\n")},
	{name: "forges half a frame", code: "import os\nos.write(3, b'V\\x09\\0\\0\\0[')\nprint('a')", want: well("a\n")},
	{name: "forges a refusal", code: "import os\nos.write(3, b'V\\x07\\0\\0\\0[\"own\"]')", want: well("")},
	{name: "forges a refusal, and prints", code: "import os\nos.write(3, b'V\\x07\\0\\0\\0[\"own\"]')\nprint('a')", want: well("a\n")},
	{name: "forges a broken jail", code: "import os\nos.write(3, b'E\\x02\\0\\0\\0{}')\nprint('a')", want: well("a\n")},
	{name: "forges a second jail", code: "import os\nos.write(3, b'J\\0\\0\\0\\0')\nprint('a')", want: well("a\n")},
	{name: "forges no memory, ends well", code: "import os\nos.write(3, b'M\\0\\0\\0\\0')\nprint('a')", want: well("a\n")},
	{name: "forges no memory", code: "import os\nos.write(3, b'M\\0\\0\\0\\0')\nexit(3)", want: ending{status: 200, outcome: "memory_limit", exit: 3}},
	{name: "duplicates its streams", code: "import os\nos.dup2(2, 1)", want: failed(1, "", "…PermissionError: [Errno 1] Operation not permitted\n")},
}
