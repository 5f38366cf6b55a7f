# Boots the machine's systemd in namespaces of its own. What it writes stays in memory and goes with it:
# at every boot it tidies /tmp and /var, and that must never be the machine's.
set -eu
memory=/mnt
mount --make-rprivate /
mount -t tmpfs tmpfs $memory
mkdir $memory/upper $memory/work $memory/root
mount -t overlay overlay -o lowerdir=/,upperdir=$memory/upper,workdir=$memory/work $memory/root
cd $memory/root
for folder in tmp var/tmp run; do mount -t tmpfs tmpfs $folder; done
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup sys/fs/cgroup
# source:target pairs: what the unit expects under /opt and /etc
for pair in $BIND; do
    mkdir -p ".${pair#*:}"
    mount --bind "${pair%%:*}" ".${pair#*:}"
done
# not chroot: the kernel gives no user namespace (PrivateUsers=) to who is in one
pivot_root . mnt
umount --lazy /mnt
# as at a real boot: a unit's credentials are mounted where it looks for them by propagation
mount --make-rshared /
export container=other
exec chroot . /lib/systemd/systemd --system --unit=basic.target --log-target=null
