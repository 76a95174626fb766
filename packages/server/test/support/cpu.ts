/**
 * The CPU time of this thread for some work, in milliseconds: unlike elapsed time, it hardly depends on the load of the
 * machine.
 */
export async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
