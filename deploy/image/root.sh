#!/bin/sh
# root.sh DIR PACKAGE... makes a root file system in DIR of the files of these
# Debian packages, which are installed, and of those that they depend on. It has
# the libraries and the data of them all, their licences and the list of them
# where scanners look for it (/var/lib/dpkg/status), and one program: python3.
set -eu
dir=$1
shift
mkdir -p "$dir/var/lib/dpkg"
cd /

# Dependencies that are there for installing and not for running.
apt-cache depends --recurse --important --installed base-files "$@" | grep '^[a-z0-9]' |
	grep -vxE 'debconf|dpkg|libc-bin|mawk|perl-base|tar' | sort -u >/tmp/packages
xargs dpkg-query --status </tmp/packages >"$dir/var/lib/dpkg/status"

{
	xargs dpkg-query --listfiles </tmp/packages |
		grep -vE '^/usr/(s?bin/|share/(bug|doc/.*/(README|NEWS|changelog).*|doc-base|info|lintian|locale|man|pixmaps|applications)(/|$))'
	ls -d /usr/bin/python3 /usr/bin/python3.[0-9]*
	# A library may stand behind one of these: which one is Debian's choice.
	find /etc/alternatives /usr/lib \( -path '/etc/alternatives/*' -o -lname '/etc/alternatives/*' \) -print
} | while IFS= read -r file; do
	# Slim images have left out documentation that their packages list.
	if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\n' "${file#/}"; fi
done | sort -u | tar --create --no-recursion --verbatim-files-from --files-from=- | tar --extract --directory "$dir"
ldconfig -r "$dir"

# Compiled here, since nothing can be later: without, an interpreter takes several
# times as long to start. Unchecked: an image has times of its own for its files.
python3 -m compileall -q -s "$dir" -p / --invalidation-mode unchecked-hash "$dir"/usr/lib/python3*

# Nobody but root writes anywhere.
find "$dir" -xdev ! -type l -perm /7022 -exec chmod a-st,go-w {} +
