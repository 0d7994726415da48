#!/bin/bash
# A run of MinPRO on four machines of a Slurm cluster: sbatch slurm.sh recipe.yaml
# To go on after it ended, on as many machines as you like: sbatch --nodes=2 slurm.sh --resume runs/0001
#SBATCH --job-name=minpro
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --output=minpro-%j.txt
set -eu

if [ "${1-}" = --resume ]; then
  work=(--resume "$2")
else
  # At least as many lanes as machines; lanes are part of the numerics, so choose them once.
  work=(--config "$1" --set compute.lanes=8)
fi

# The machine of rank 0, by the address that the others reach it by, and a port of this job.
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_ADDR=$(getent hosts "$first" | awk '{print $1; exit}')
MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))
# The interface of the cluster's own network: 'ip address' on a machine lists them.
GLOO_SOCKET_IFNAME=${GLOO_SOCKET_IFNAME:-eth0}
# Raised by Slurm when it starts the job again, so that a process that the last start left cannot join.
RUN_GENERATION=${SLURM_RESTART_COUNT:-0}
export MASTER_ADDR MASTER_PORT GLOO_SOCKET_IFNAME RUN_GENERATION

# One process a machine; all end where one does.
# shellcheck disable=SC2016 # each task has variables of its own
srun --kill-on-bad-exit=1 bash -c '
  export RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS LOCAL_RANK=$SLURM_LOCALID LOCAL_WORLD_SIZE=1
  exec minpro train "$@"' minpro "${work[@]}"
