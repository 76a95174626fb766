/**
 * How long this thread's processor was at work for something, in milliseconds: unlike the time that passed, it is about the
 * same on a machine that is busy with other things.
 */
export async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
