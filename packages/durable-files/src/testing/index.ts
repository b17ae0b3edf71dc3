export { powerCutFileSystem, type PowerCutFileSystem } from './power-cut-file-system.ts';
export { faultyFileSystem, noFaults, type Faults } from './faulty-file-system.ts';
export { seededRandom, integerBelow, type Random } from './seeded-random.ts';
