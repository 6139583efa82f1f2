/** How many exports may run at once; each holds a connection and a snapshot for as long as its client reads. */
export interface ExportSlots {
  /** Takes a place and gives the function that frees it again (once; further calls do nothing), or `undefined` if none is free. */
  take(): (() => void) | undefined;
}

export function createExportSlots(count: number): ExportSlots {
  let free = count;
  return {
    take() {
      if (free === 0) return undefined;
      free -= 1;
      let isTaken = true;
      return () => {
        if (isTaken) free += 1;
        isTaken = false;
      };
    },
  };
}
