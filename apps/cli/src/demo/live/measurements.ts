import os from "node:os";
import systeminformation from "systeminformation";

/** One thing that was measured. The keys of `data` are OpenTelemetry's names for system and process metrics. */
export interface Measurement {
  readonly type: string;
  readonly subject?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const shownProcesses = 5;

/**
 * Measures the machine once. What this system does not tell, in a container for instance, is left out.
 * Rates are since the measurement before.
 */
export async function measure(): Promise<Measurement[]> {
  const groups = await Promise.allSettled([cpu(), memory(), disk(), fileSystems(), networks(), processes(), host()]);
  return groups.flatMap((group) => (group.status === "fulfilled" ? group.value : []));
}

async function cpu(): Promise<Measurement[]> {
  const { cpus } = await systeminformation.currentLoad();
  return cpus.map((core, index) => ({
    type: "system.cpu",
    subject: `cpu${index}`,
    data: {
      "cpu.logical_number": index,
      "system.cpu.utilization": {
        user: share(core.loadUser),
        system: share(core.loadSystem),
        nice: share(core.loadNice),
        interrupt: share(core.loadIrq),
        steal: share(core.loadSteal),
        idle: share(core.loadIdle),
      },
    },
  }));
}

async function memory(): Promise<Measurement[]> {
  const { total, active, available, free, buffers, cached, swaptotal, swapused } = await systeminformation.mem();
  return [
    {
      type: "system.memory",
      data: {
        "system.memory.limit": total,
        "system.memory.usage": { used: active, free, buffers, cached },
        "system.memory.linux.available": available,
        "system.memory.utilization": round(active / total),
        "system.paging.usage": { used: swapused, free: swaptotal - swapused },
      },
    },
  ];
}

async function disk(): Promise<Measurement[]> {
  // Both are null where the system does not count, which their types do not say.
  const [operations, bytes]: [{ rIO: number; wIO: number } | null, { rx: number; wx: number } | null] =
    await Promise.all([systeminformation.disksIO(), systeminformation.fsStats()]);
  return [
    {
      type: "system.disk",
      data: {
        ...(operations && { "system.disk.operations": { read: operations.rIO, write: operations.wIO } }),
        ...(bytes && { "system.disk.io": { read: bytes.rx, write: bytes.wx } }),
      },
    },
  ].filter(({ data }) => Object.keys(data).length > 0);
}

async function fileSystems(): Promise<Measurement[]> {
  const found = await systeminformation.fsSize();
  return found.map(({ fs, type, mount, size, used, available, use }) => ({
    type: "system.filesystem",
    subject: mount,
    data: {
      "system.device": fs,
      "system.filesystem.mountpoint": mount,
      "system.filesystem.type": type,
      "system.filesystem.limit": size,
      "system.filesystem.usage": { used, free: available },
      "system.filesystem.utilization": share(use),
    },
  }));
}

async function networks(): Promise<Measurement[]> {
  const found = await systeminformation.networkStats("*");
  return found.map((network) => ({
    type: "system.network",
    subject: network.iface,
    data: {
      "network.interface.name": network.iface,
      "system.network.io": { receive: network.rx_bytes, transmit: network.tx_bytes },
      "system.network.errors": { receive: network.rx_errors, transmit: network.tx_errors },
      "system.network.packet.dropped": { receive: network.rx_dropped, transmit: network.tx_dropped },
    },
  }));
}

/** The busiest processes. Their arguments stay here: passwords stand there. */
async function processes(): Promise<Measurement[]> {
  const { list } = await systeminformation.processes();
  const busiest = list.toSorted((a, b) => b.cpu - a.cpu || b.memRss - a.memRss).slice(0, shownProcesses);
  return busiest.map(({ pid, parentPid, name, user, cpu, memRss, memVsz }) => ({
    type: "system.process",
    subject: name,
    data: {
      "process.pid": pid,
      "process.parent_pid": parentPid,
      "process.executable.name": name,
      "process.owner": user,
      "process.cpu.utilization": share(cpu),
      "process.memory.usage": memRss * 1_024,
      "process.memory.virtual": memVsz * 1_024,
    },
  }));
}

async function host(): Promise<Measurement[]> {
  const [one = 0, five = 0, fifteen = 0] = os.loadavg();
  return [
    {
      type: "system.load",
      data: {
        "system.cpu.load_average": { "1m": round(one), "5m": round(five), "15m": round(fifteen) },
        "system.cpu.logical.count": os.availableParallelism(),
        "system.uptime": os.uptime(),
      },
    },
  ];
}

function share(percent: number): number {
  return round(percent / 100);
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
