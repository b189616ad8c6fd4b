#!/bin/sh
# What kernel and udev do on a machine: nodes for the disks that are attached, and names by their ids and by what is on
# them. In /etc/sandbox/disks a line a disk: node, major, minor, name by id.
set -eu
list=/etc/sandbox/disks
mkdir -p /dev/disk/by-id /dev/disk/by-uuid

name_by_content() {
  while read -r node _major _minor _id; do
    uuid=$(blkid -p -s UUID -o value "/dev/$node") || continue
    [ -z "$uuid" ] || [ -L "/dev/disk/by-uuid/$uuid" ] || ln -s "../../$node" "/dev/disk/by-uuid/$uuid"
  done < $list
}

case $1 in
find)
  find /dev/disk/by-id /dev/disk/by-uuid -type l -delete
  rm -f /dev/nvme*n1
  while read -r node major minor id; do
    mknod -m 0660 "/dev/$node" b "$major" "$minor"
    ln -s "../../$node" "/dev/disk/by-id/$id"
  done < $list
  name_by_content
  ;;
watch)
  while :; do
    sleep 0.5
    name_by_content
  done
  ;;
esac
