#!/bin/sh
# Makes an image to build ours from, where no registry is reached: Debian 12 with its own Python. As root, with debootstrap and
# podman:  sh tests/deploy/base.sh localhost/python:3.11-bookworm
set -eu
folder=$(mktemp -d)
debootstrap --variant=minbase --include=python3,python3-venv,python-is-python3,ca-certificates,tzdata bookworm "$folder"
tar -C "$folder" -c --exclude='./proc/*' --exclude='./sys/*' --exclude='./var/cache/apt/archives/*.deb' . | podman import - "$1"
rm -rf --one-file-system "$folder"
