// Loaded into a server before its own code: when its parent asks, it tells the processor time that the process has used
// so far, all threads together, in microseconds. And it ends the server when the parent is gone.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on('disconnect', () => process.exit());
