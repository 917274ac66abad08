#!/bin/sh
# PID 1 of the machine after switch_root: mounts what a cgroup v2 host has, runs the command, reports its exit code.
# As PID 1 the shell reaps orphans while it waits.
exec </dev/null >/dev/console 2>&1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 JOBLET_VM=1
. /run/vm/settings # CHECKOUT, MODULES, DISK, OUT

finish() {
  echo "$1" >/run/vm/exit-code
  sync
  echo o >/proc/sysrq-trigger
  while :; do sleep 1; done
}
fail() {
  echo "$*" | tee /run/vm/error
  finish 125
}

mount_cgroup2() {
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup || fail 'mount cgroup2'
  for controller in cpu cpuset io memory pids; do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || fail "no cgroup v2 controller $controller"
  done
}
# As older distributions boot: the controllers on v1, beside a v2 tree without any.
mount_hybrid_cgroups() {
  mount -t tmpfs -o mode=0755,nosuid,nodev,noexec cgroup /sys/fs/cgroup || fail 'mount a folder for cgroups'
  for controller in cpu cpuset blkio memory pids; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || fail "no cgroup v1 controller $controller"
  done
  mkdir /sys/fs/cgroup/unified
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup/unified || fail 'mount cgroup2'
}

mount -t proc -o nosuid,nodev,noexec proc /proc || fail 'mount /proc'
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys || fail 'mount /sys'
case " $(cat /proc/cmdline) " in
*' joblet.cgroup=hybrid '*) mount_hybrid_cgroups ;;
*) mount_cgroup2 ;;
esac
mount -t securityfs -o nosuid,nodev,noexec securityfs /sys/kernel/security
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr

# The overlay holds copies of these from the host; the machine has its own. /tmp is a tmpfs, since overlayfs can't make
# files without a name. A checkout that lies below one of these is bound back to its own path.
mkdir -p /run/checkout
mount --bind "$CHECKOUT" /run/checkout || fail "bind $CHECKOUT"
mount -t tmpfs -o mode=1777,nosuid,nodev tmp /tmp
mount -t tmpfs -o mode=1777,nosuid,nodev tmp /var/tmp
# Closed to the machine's root too where an ordinary user runs it.
ls /root >/dev/null 2>&1 || mount -t tmpfs -o mode=0700,nosuid,nodev root /root
for state in /var/lib/joblet /etc/joblet; do # the host's own helper is not in here
  mkdir -p "$state" && mount -t tmpfs -o mode=0755 joblet "$state"
done
mkdir -p "$CHECKOUT" && mount --bind /run/checkout "$CHECKOUT" || fail "bind $CHECKOUT back"
mkdir -p /lib/modules
mount --bind "$MODULES" /lib/modules || fail "bind $MODULES"
# What the kernel loads on demand, as it does on any machine: busybox has the loader.
[ -e /sbin/modprobe ] || ln -s /bin/busybox /sbin/modprobe
# Images of disks, too, are mounted in here.
for module in loop crc16 crc32c_generic mbcache jbd2 ext4; do
  busybox modprobe "$module" || fail "modprobe $module"
done

if [ -n "$DISK" ]; then
  for module in quota_tree quota_v2 virtio_blk; do
    busybox modprobe "$module" || fail "modprobe $module"
  done
  export JOBLET_VM_DISK=/mnt/disk
  mkdir -p "$JOBLET_VM_DISK"
  mount -t ext4 -o prjquota /dev/vda "$JOBLET_VM_DISK" || fail 'mount the disk'
fi

if [ -n "$OUT" ]; then
  export JOBLET_VM_OUT=/run/out
  mkdir -p "$JOBLET_VM_OUT"
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 out "$JOBLET_VM_OUT" || fail 'mount the out folder'
fi

# The ports can be opened only once, and programs open /dev/stdout again: give the command pipes.
cd "$CHECKOUT" || fail "cd $CHECKOUT"
mkfifo /run/stdout /run/stderr
set -- /dev/vport*p1 /dev/vport*p2
cat /run/stdout >"$1" &
out=$!
cat /run/stderr >"$2" &
err=$!
setsid /bin/bash /run/vm/command >/run/stdout 2>/run/stderr &
wait $!
code=$?
# What the command left behind may hold the pipes open; its output is not waited for.
(sleep 2; kill "$out" "$err" 2>/dev/null) &
wait "$out" "$err"
finish "$code"
