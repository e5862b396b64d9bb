// What the viewer uses of three.js. three.bundle.min.js is made of this file and of the published package, and of nothing else:
//
//   npm install --no-save three@0.187.0 esbuild@0.28.2
//   npx esbuild three.entry.js --bundle --minify --format=esm --legal-comments=inline --outfile=three.bundle.min.js
//
// three.js is under the MIT licence, see three.LICENSE.
export {
  AmbientLight,
  BufferAttribute,
  BufferGeometry,
  CircleGeometry,
  Color,
  CylinderGeometry,
  DirectionalLight,
  Fog,
  Group,
  InstancedMesh,
  Line,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  MeshLambertMaterial,
  PerspectiveCamera,
  Quaternion,
  Scene,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
