#!/bin/sh
# The first program in the machine: PID 1 of the initramfs. Stacks a memory overlay on the host's read-only `/`, so that
# the machine sees the host's programs and can't change them, then goes over to the host's own shell with switch_root.
# chroot would not do: user namespaces and idmapped mounts fail under it.
export PATH=/bin
fail() {
  echo "joblet-vm: $*" >/dev/console
  poweroff -f
}
mount -t proc proc /proc
mount -t devtmpfs dev /dev

while read -r module; do
  insmod "/modules/$module.ko" || fail "insmod $module"
done </modules/order

mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host || fail 'mount the host /'
mount -t tmpfs -o mode=0755 overlay /overlay
mkdir /overlay/upper /overlay/work
mount -t overlay -o lowerdir=/host,upperdir=/overlay/upper,workdir=/overlay/work overlay /root ||
  fail 'mount the overlay'

mount -t tmpfs -o mode=0755,nosuid,nodev run /root/run
mkdir /root/run/vm
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 exchange /root/run/vm || fail 'mount the exchange folder'
ifconfig lo 127.0.0.1 up
hostname joblet-vm
umount /proc
mount -o move /dev /root/dev
exec switch_root /root /bin/sh /run/vm/guest.sh
fail 'switch_root'
