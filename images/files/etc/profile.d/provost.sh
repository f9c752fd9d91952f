# Shown where a person looks first; environment-modules brings its own hint.
if [ -n "${PS1:-}" ] && [ -n "${SSH_CONNECTION:-}" ] && [ -z "${SLURM_JOB_ID:-}" ]; then
  echo "sinfo shows this cluster's partitions, srun and sbatch start jobs, module avail lists software."
fi
