import { mapNonEmpty, weightedPick, type NonEmpty, type Random } from './random.ts';

export type DeviceType = 'desktop' | 'mobile' | 'tablet';

interface DeviceModel {
  readonly deviceType: DeviceType;
  /** Names as the bowser library reports them for `userAgent`; a test holds us to it. */
  readonly browser: string;
  readonly os: string;
  readonly userAgent: string;
  /** CSS pixels, width × height. */
  readonly screens: NonEmpty<Screen>;
  readonly weight: number;
}

export interface Screen {
  readonly width: number;
  readonly height: number;
}

/** A device somebody owns: a model with one screen, its fields already JSON text. */
export interface Device {
  readonly deviceType: DeviceType;
  readonly screen: Screen;
  /** `"user_agent":…,"device_type":…,"browser":…,"os":…,"screen_resolution":…` */
  readonly fields: string;
}

const laptops: NonEmpty<Screen> = [
  { width: 1920, height: 1080 },
  { width: 1536, height: 864 },
  { width: 1366, height: 768 },
  { width: 2560, height: 1440 },
];
const macs: NonEmpty<Screen> = [
  { width: 1440, height: 900 },
  { width: 1512, height: 982 },
  { width: 1728, height: 1117 },
];
const iPhones: NonEmpty<Screen> = [
  { width: 390, height: 844 },
  { width: 393, height: 852 },
  { width: 430, height: 932 },
];
const androids: NonEmpty<Screen> = [
  { width: 360, height: 800 },
  { width: 412, height: 915 },
  { width: 384, height: 854 },
];

const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

/** Browsers freeze most of their user agent, so few strings stand for most real visitors. */
export const deviceModels: NonEmpty<DeviceModel> = [
  {
    deviceType: 'mobile',
    browser: 'Safari',
    os: 'iOS',
    userAgent:
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1',
    screens: iPhones,
    weight: 24,
  },
  {
    deviceType: 'mobile',
    browser: 'Chrome',
    os: 'Android',
    userAgent: `Mozilla/5.0 (Linux; Android 10; K) ${webKit} Chrome/131.0.0.0 Mobile Safari/537.36`,
    screens: androids,
    weight: 27,
  },
  {
    deviceType: 'mobile',
    browser: 'Samsung Internet for Android',
    os: 'Android',
    userAgent: `Mozilla/5.0 (Linux; Android 10; K) ${webKit} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36`,
    screens: androids,
    weight: 5,
  },
  {
    deviceType: 'desktop',
    browser: 'Chrome',
    os: 'Windows',
    userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/131.0.0.0 Safari/537.36`,
    screens: laptops,
    weight: 18,
  },
  {
    deviceType: 'desktop',
    browser: 'Microsoft Edge',
    os: 'Windows',
    userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`,
    screens: laptops,
    weight: 6,
  },
  {
    deviceType: 'desktop',
    browser: 'Firefox',
    os: 'Windows',
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
    screens: laptops,
    weight: 3,
  },
  {
    deviceType: 'desktop',
    browser: 'Safari',
    os: 'macOS',
    userAgent:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    screens: macs,
    weight: 6,
  },
  {
    deviceType: 'desktop',
    browser: 'Chrome',
    os: 'macOS',
    userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Chrome/131.0.0.0 Safari/537.36`,
    screens: macs,
    weight: 5,
  },
  {
    deviceType: 'desktop',
    browser: 'Firefox',
    os: 'Linux',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
    screens: laptops,
    weight: 1,
  },
  {
    deviceType: 'tablet',
    browser: 'Safari',
    os: 'iOS',
    userAgent:
      'Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1',
    screens: [
      { width: 820, height: 1180 },
      { width: 768, height: 1024 },
    ],
    weight: 4,
  },
  {
    deviceType: 'tablet',
    browser: 'Chrome',
    os: 'Android',
    userAgent: `Mozilla/5.0 (Linux; Android 10; K) ${webKit} Chrome/131.0.0.0 Safari/537.36`,
    screens: [
      { width: 800, height: 1280 },
      { width: 753, height: 1205 },
    ],
    weight: 1,
  },
];

const modelByShare = weightedPick(
  mapNonEmpty(deviceModels, (model) => ({
    weight: model.weight,
    devices: mapNonEmpty(model.screens, (screen) => deviceOf(model, screen)),
  })),
);

function deviceOf(model: DeviceModel, screen: Screen): Device {
  const fields = {
    user_agent: model.userAgent,
    device_type: model.deviceType,
    browser: model.browser,
    os: model.os,
    screen_resolution: `${screen.width}x${screen.height}`,
  };
  return { deviceType: model.deviceType, screen, fields: JSON.stringify(fields).slice(1, -1) };
}

export function drawDevice(random: Random): Device {
  return random.pick(modelByShare(random).devices);
}
