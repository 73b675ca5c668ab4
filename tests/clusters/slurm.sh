#!/usr/bin/env bash
# Starts a real SLURM of one node in a temporary folder, runs a command in it, and takes everything down again:
#
#     tests/clusters/slurm.sh .venv/bin/pytest -m cluster tests/sweep/test_slurm.py
#
# Needs root and Debian's or Ubuntu's slurm-wlm and munge, which it installs where they are missing. No systemd, no
# container, no accounting. Two partitions: `low` (the default), whose jobs make room for those of `high`.
set -euo pipefail

[ "$(id -u)" = 0 ] || { echo "slurm.sh: starts daemons as several users: run it as root" >&2; exit 2; }
[ $# -gt 0 ] || { echo "usage: slurm.sh COMMAND..." >&2; exit 2; }

if ! command -v slurmctld slurmd sbatch munged > /dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge
fi

folder=$(mktemp -d /tmp/slurm.XXXXXX)
chmod 755 "$folder"
mkdir "$folder"/{munge,state,spool}
host=$(hostname -s)
daemons=()

stop() {
    scancel --user="$(id -un)" --full --signal=KILL 2> /dev/null || true
    scancel --user="$(id -un)" 2> /dev/null || true
    for _ in $(seq 20); do
        [ -z "$(squeue --noheader 2> /dev/null)" ] && break
        sleep 1
    done
    kill "${daemons[@]}" 2> /dev/null || true
    wait 2> /dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

# munge vouches for who is who.
dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none
chmod 400 "$folder/munge/key"
chown -R munge: "$folder/munge"
chmod 711 "$folder/munge"
runuser -u munge -- munged --foreground --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" \
    > /dev/null 2>&1 & daemons+=($!)

cat > "$folder/slurm.conf" << CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# What is queued again waits for as long as a credential may live.
AuthInfo=socket=$folder/munge/socket,cred_expire=30
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
EnforcePartLimits=ANY
SchedulerParameters=batch_sched_delay=1,sched_interval=2
KillWait=30
ReturnToService=2
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmdSpoolDir=$folder/spool
StateSaveLocation=$folder/state
SlurmctldPort=${SLURMCTLD_PORT:-16817}
SlurmdPort=${SLURMD_PORT:-16818}
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000
PartitionName=low Nodes=$host Default=YES MaxTime=60 PriorityTier=1
PartitionName=high Nodes=$host MaxTime=60 PriorityTier=10
CONF
export SLURM_CONF=$folder/slurm.conf

slurmctld -D > /dev/null 2>&1 & daemons+=($!)
slurmd -D > /dev/null 2>&1 & daemons+=($!)
for _ in $(seq 60); do
    [ "$(sinfo --noheader --format=%T --partition=low 2> /dev/null)" = idle ] && break
    sleep 1
done
if [ "$(sinfo --noheader --format=%T --partition=low 2> /dev/null)" != idle ]; then
    echo "slurm.sh: SLURM did not start:" >&2
    tail -n 20 "$folder"/*.log "$folder"/munge/log >&2
    exit 1
fi
"$@"
