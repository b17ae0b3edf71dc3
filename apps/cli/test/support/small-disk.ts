import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A real file system of its own that a test can fill up or break. Mounting needs root, which CI is. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes all that is free but for so many bytes, until `free`. */
  fillBut(bytes: number): Promise<void>;
  free(): Promise<void>;
  remount(options: 'ro' | 'rw'): void;
  remove(): Promise<void>;
}

export async function mountTmpfs(megabytes: number): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
  return mounted(directory);
}

function mounted(directory: string): SmallDisk {
  const ballast = join(directory, 'ballast');
  return {
    directory,
    async fillBut(bytes) {
      const answer = execFileSync('df', ['--output=avail', '-B1', directory], { encoding: 'utf8' });
      await writeFile(ballast, Buffer.alloc(Math.max(0, Number(answer.split('\n')[1]) - bytes)));
    },
    free: () => rm(ballast),
    remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, directory]),
    async remove() {
      // Lazily: the query process of one that was killed is gone a moment later.
      execFileSync('umount', ['-l', directory]);
      await rm(directory, { recursive: true });
    },
  };
}

/** An ext4 in a file, which can do what a disk with a defect does: be read-only from one moment to the next. */
export interface BreakingDisk {
  readonly directory: string;
  /** The kernel finds an error and makes it read-only, open files included. */
  breakDown(): Promise<void>;
  /** What an administrator does: check it, and mount it again. Whoever used it must have ended. */
  repair(): void;
  remove(): Promise<void>;
}

export async function mountBreakingDisk(megabytes: number): Promise<BreakingDisk> {
  const root = await mkdtemp(join(tmpdir(), 'clicklake-breaking-disk-'));
  const [image, directory] = [join(root, 'image'), join(root, 'disk')];
  await mkdir(directory);
  await writeFile(image, '');
  await truncate(image, megabytes * 2 ** 20);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  const mount = (): void =>
    void execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, directory], { stdio: 'ignore' });
  mount();
  return {
    directory,
    async breakDown() {
      const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', directory], { encoding: 'utf8' });
      await writeFile(`/sys/fs/ext4/${basename(device.trim())}/trigger_fs_error`, '1');
    },
    repair() {
      execFileSync('umount', [directory]);
      try {
        execFileSync('e2fsck', ['-p', '-f', image]);
      } catch (error) {
        // 1: errors were there, and were corrected.
        if (!(error instanceof Error && 'status' in error && error.status === 1)) throw error;
      }
      mount();
    },
    async remove() {
      execFileSync('umount', ['-l', directory]);
      await rm(root, { recursive: true });
    },
  };
}
