import { Lazy } from '../shell/lazy.js';
import { route, routeTo } from '../state/route.js';
import { useStore } from '../state/store.js';
import { Icon } from '../ui/index.js';
import { PicturePanel } from './picture-panel.js';

const loadCamera = () => import('../camera/camera-panel.js').then(({ CameraPanel }) => CameraPanel);

/** The tab Recognise: pictures, or camera and videos. */
export function RecognisePanel() {
  const { part } = useStore(route);
  const isCamera = part === 'camera';
  return (
    <>
      <nav class="segments" aria-label="What to read">
        <a class="segment" href={routeTo('recognise')} aria-current={isCamera ? undefined : 'page'}>
          <Icon name="picture" />
          <span>Pictures</span>
        </a>
        <a class="segment" href={routeTo('recognise', 'camera')} aria-current={isCamera ? 'page' : undefined}>
          <Icon name="camera" />
          <span>Camera and video</span>
        </a>
      </nav>
      {isCamera ? <Lazy load={loadCamera} /> : <PicturePanel />}
    </>
  );
}
