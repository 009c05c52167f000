# The image of codecell: one static binary and a Python, for any user.
#
#	make build image        with Debian's own trixie for a base, no registry needed
#	docker build .          from a registry's, after make build
#
# BASE has a python3 of 3.11 or newer, which is all that is needed of it: no
# shell, no writable file.
ARG BASE=docker.io/library/python:3.13-slim-trixie
FROM ${BASE}
COPY --chmod=0755 bin/codecell /usr/local/bin/codecell
# Nobody in /etc/passwd, and the same number as in distroless images: a pod that
# must not run as root is checked by the number.
USER 65532:65532
ENV PATH=/usr/local/bin:/usr/bin:/bin
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/codecell"]
CMD ["serve"]
