export { createVolume, type Volume, type VolumeRecord } from './volume.ts'
