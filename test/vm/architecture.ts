/** What differs between the processors that the machine is emulated for. */
export interface Architecture {
  /** Debian's kernel package that always depends on the present one. */
  readonly kernelPackage: string;
  readonly emulator: string;
  /** Debian's package that holds the emulator. */
  readonly emulatorPackage: string;
  readonly machine: readonly string[];
  readonly console: string;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    kernelPackage: 'linux-image-amd64',
    emulator: 'qemu-system-x86_64',
    emulatorPackage: 'qemu-system-x86',
    machine: ['-machine', 'q35'],
    console: 'ttyS0',
  },
  arm64: {
    kernelPackage: 'linux-image-arm64',
    emulator: 'qemu-system-aarch64',
    emulatorPackage: 'qemu-system-arm',
    machine: ['-machine', 'virt'],
    console: 'ttyAMA0',
  },
};

export function hostArchitecture(): Architecture {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) {
    throw new Error(`the test machine knows x64 and arm64, not ${process.arch}`);
  }
  return architecture;
}
