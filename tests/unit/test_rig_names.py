# ruff: noqa: E501
"""Whole rigs as their programs write them, with fingers, twists, helpers and faces: every joint is found by its name."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion
from llamo.processing.skeleton_mapping_llamo import TARGET_NAMES


spec = importlib.util.spec_from_file_location("bvh_writer", Path(__file__).with_name("bvh_writer.py"))
bvh_writer = importlib.util.module_from_spec(spec)
sys.modules["bvh_writer"] = bvh_writer
spec.loader.exec_module(bvh_writer)

# What stands where: our joint -> part of the writer's person. "+" helpers get a place near their parent.
PARTS = {
    "pelvis": "hips", "hip": "thigh", "knee": "shin", "ankle": "foot", "foot": "toe", "collar": "collar", "shoulder": "upperarm",
    "elbow": "forearm", "wrist": "hand", "head": "head",
}  # fmt: skip
HEIGHTS = {"spine1": 1.05, "spine2": 1.17, "spine3": 1.30, "neck": 1.48, "neck2": 1.53}

# A rig is its tree, a word per joint: "name=part(children)". "{}" is the side, and "[...]" is done for both sides.
# Parts: pelvis spine1 spine2 spine3 neck head, and inside [] hip knee ankle foot tip collar shoulder elbow wrist; helpers: none.
RIGS = {
    "CMU in MotionBuilder": "Hips=pelvis([{}HipJoint({}UpLeg=hip({}Leg=knee({}Foot=ankle({}ToeBase=foot))))] LowerBack(Spine=spine1(Spine1=spine3(Neck(Neck1=neck(Head=head)) [{}Shoulder({}Arm=shoulder({}ForeArm=elbow({}Hand=wrist({}FingerBase({}HandIndex1) {}Thumb))))]))))|Left Right",
    "Mixamo with fingers": "mixamorig:Hips=pelvis(mixamorig:Spine=spine1(mixamorig:Spine1=spine2(mixamorig:Spine2=spine3(mixamorig:Neck=neck(mixamorig:Head=head(mixamorig:HeadTop_End mixamorig:LeftEye mixamorig:RightEye)) [mixamorig:{}Shoulder=collar(mixamorig:{}Arm=shoulder(mixamorig:{}ForeArm=elbow(mixamorig:{}Hand=wrist(mixamorig:{}HandThumb1(mixamorig:{}HandThumb2) mixamorig:{}HandIndex1))))]))) [mixamorig:{}UpLeg=hip(mixamorig:{}Leg=knee(mixamorig:{}Foot=ankle(mixamorig:{}ToeBase=foot(mixamorig:{}Toe_End))))])|Left Right",
    "MotionBuilder HumanIK": "Reference(Hips=pelvis(Spine=spine1(Spine1=spine2(Spine2=spine3(Neck=neck(Head=head) [{}Shoulder=collar({}Arm=shoulder({}ArmRoll {}ForeArm=elbow({}ForeArmRoll {}Hand=wrist({}HandThumb1({}HandThumb2) {}InHandIndex({}HandIndex1)))))]))) [{}UpLeg=hip({}UpLegRoll {}Leg=knee({}LegRoll {}Foot=ankle({}ToeBase=foot)))]))|Left Right",
    "Character1 HumanIK": "Character1_Reference(Character1_Hips=pelvis(Character1_Spine=spine1(Character1_Spine1=spine3(Character1_Neck=neck(Character1_Head=head) [Character1_{}Shoulder=collar(Character1_{}Arm=shoulder(Character1_{}ForeArm=elbow(Character1_{}Hand=wrist)))])) [Character1_{}UpLeg=hip(Character1_{}Leg=knee(Character1_{}Foot=ankle(Character1_{}ToeBase=foot)))]))|Left Right",
    "Vicon Shogun": "root(Hips=pelvis(Spine=spine1(Spine1=spine2(Spine2=spine3(Spine3(Neck=neck(Neck1(Head=head(HeadEnd))) [{}Shoulder=collar({}Arm=shoulder({}ForeArm=elbow({}Hand=wrist({}HandMiddle1 {}HandRing({}HandRing1)))))])))) [{}UpLeg=hip({}Leg=knee({}Foot=ankle({}ToeBase=foot({}ToeBaseEnd))))]))|Left Right",
    "Vicon segments": "pelvis=pelvis(thorax=spine3(head=head [{}clavicle=collar({}humerus=shoulder({}radius=elbow({}hand=wrist({}fingers))))]) [{}femur=hip({}tibia=knee({}foot=ankle({}toes=foot)))])|l r",
    "Xsens MVN BVH": "Hips=pelvis(Chest=spine1(Chest2=spine2(Chest3=spine3(Chest4(Neck=neck(Head=head) [{}Collar=collar({}Shoulder=shoulder({}Elbow=elbow({}Wrist=wrist)))])))) [{}Hip=hip({}Knee=knee({}Ankle=ankle({}Toe=foot)))])|Left Right",
    "Xsens MVN FBX": "Reference(Pelvis=pelvis(L5=spine1(L3=spine2(T12=spine3(T8(Neck=neck(Head=head) [{}Shoulder=collar({}UpperArm=shoulder({}ForeArm=elbow({}Hand=wrist)))])))) [{}UpperLeg=hip({}LowerLeg=knee({}Foot=ankle({}Toe=foot)))]))|Left Right",
    "Rokoko": "root(Hips=pelvis(Spine1=spine1(Spine2=spine2(Spine3=spine3(Spine4(Neck=neck(Head=head) [{}Shoulder=collar({}Arm=shoulder({}ForeArm=elbow({}Hand=wrist({}Finger1Metacarpal({}Finger1Proximal)))))])))) [{}Thigh=hip({}Shin=knee({}Foot=ankle({}Toe=foot({}ToeTip))))]))|Left Right",
    "3ds Max Biped": "Bip001(Bip001_Footsteps Bip001_Pelvis=pelvis(Bip001_Spine=spine1(Bip001_Spine1=spine2(Bip001_Spine2=spine3(Bip001_Neck=neck(Bip001_Head=head(Bip001_HeadNub) [Bip001_{}_Clavicle=collar(Bip001_{}_UpperArm=shoulder(Bip001_{}_Forearm=elbow(Bip001_{}_ForeTwist Bip001_{}_Hand=wrist(Bip001_{}_Finger0(Bip001_{}_Finger01) Bip001_{}_Finger1)) Bip001_{}_UpArmTwist))])))) [Bip001_{}_Thigh=hip(Bip001_{}_ThighTwist Bip001_{}_Calf=knee(Bip001_{}_Foot=ankle(Bip001_{}_Toe0=foot(Bip001_{}_Toe0Nub))))]))|L R",
    "Biped, legs on the spine": "Bip01(Bip01_Pelvis=pelvis(Bip01_Spine=spine1(Bip01_Spine1=spine3(Bip01_Neck=neck(Bip01_Head=head [Bip01_{}_Clavicle=collar(Bip01_{}_UpperArm=shoulder(Bip01_{}_Forearm=elbow(Bip01_{}_Hand=wrist)))])) [Bip01_{}_Thigh=hip(Bip01_{}_Calf=knee(Bip01_{}_Foot=ankle(Bip01_{}_Toe0=foot)))])))|L R",
    "Rigify metarig": "spine=pelvis(spine.001=spine1(spine.002=spine2(spine.003=spine3(spine.004=neck(spine.005=neck2(spine.006=head(face(nose) teeth.T))) [shoulder.{}=collar(upper_arm.{}=shoulder(forearm.{}=elbow(hand.{}=wrist(palm.01.{}(f_index.01.{}) thumb.01.{}))))] [breast.{}]))) [pelvis.{}] [thigh.{}=hip(shin.{}=knee(foot.{}=ankle(toe.{}=foot heel.02.{})))])|L R",
    "Rigify deform bones": "DEF-spine=pelvis(DEF-spine.001=spine1(DEF-spine.002=spine2(DEF-spine.003=spine3(DEF-spine.004=neck(DEF-spine.005=neck2(DEF-spine.006=head)) [DEF-shoulder.{}=collar(DEF-upper_arm.{}=shoulder(DEF-upper_arm.{}.001(DEF-forearm.{}=elbow(DEF-forearm.{}.001(DEF-hand.{}=wrist)))))]))) [DEF-thigh.{}=hip(DEF-thigh.{}.001(DEF-shin.{}=knee(DEF-shin.{}.001(DEF-foot.{}=ankle(DEF-toe.{}=foot)))))])|L R",
    "MB-Lab and MakeHuman": "root(pelvis=pelvis(spine01=spine1(spine02=spine2(spine03=spine3(neck=neck(head=head) [clavicle_{}=collar(upperarm_{}=shoulder(upperarm_twist_{} lowerarm_{}=elbow(lowerarm_twist_{} hand_{}=wrist(index00_{} thumb01_{}))))] [breast_{}]))) [thigh_{}=hip(thigh_twist_{} calf_{}=knee(calf_twist_{} foot_{}=ankle(toes_{}=foot)))]))|L R",
    "MakeHuman default": "root=pelvis(spine05=spine1(spine04=spine2(spine03(spine02=spine3(spine01 neck01=neck(neck02(neck03(head=head(jaw)))) [clavicle.{}=collar(shoulder01.{}(upperarm01.{}=shoulder(upperarm02.{}(lowerarm01.{}=elbow(lowerarm02.{}(wrist.{}=wrist(finger1-1.{}(finger1-2.{}))))))))])))) [pelvis.{}(upperleg01.{}=hip(upperleg02.{}(lowerleg01.{}=knee(lowerleg02.{}(foot.{}=ankle(toe1-1.{}=foot))))))])|L R",
    "Unity humanoid": "Hips=pelvis(Spine=spine1(Chest=spine2(UpperChest=spine3(Neck=neck(Head=head(Jaw LeftEye RightEye)) [{}Shoulder=collar({}UpperArm=shoulder({}LowerArm=elbow({}Hand=wrist({}ThumbProximal {}IndexProximal))))]))) [{}UpperLeg=hip({}LowerLeg=knee({}Foot=ankle({}Toes=foot)))])|Left Right",
    "Unity dots": "Hips=pelvis(Spine=spine1(Chest=spine3(Neck=neck(Head=head) [Shoulder.{}=collar(UpperArm.{}=shoulder(LowerArm.{}=elbow(Hand.{}=wrist)))])) [UpperLeg.{}=hip(LowerLeg.{}=knee(Foot.{}=ankle(Toe.{}=foot)))])|L R",
    "VRM": "Root(J_Bip_C_Hips=pelvis(J_Bip_C_Spine=spine1(J_Bip_C_Chest=spine2(J_Bip_C_UpperChest=spine3(J_Bip_C_Neck=neck(J_Bip_C_Head=head(J_Adj_L_FaceEye J_Sec_Hair1_01(J_Sec_Hair2_01))) [J_Bip_{}_Shoulder=collar(J_Bip_{}_UpperArm=shoulder(J_Bip_{}_LowerArm=elbow(J_Bip_{}_Hand=wrist(J_Bip_{}_Index1))))] J_Sec_L_Bust1))) [J_Bip_{}_UpperLeg=hip(J_Sec_{}_CoatSkirtBack J_Bip_{}_LowerLeg=knee(J_Bip_{}_Foot=ankle(J_Bip_{}_ToeBase=foot)))]))|L R",
    "VRM 1.0 names": "hips=pelvis(spine=spine1(chest=spine2(upperChest=spine3(neck=neck(head=head(leftEye rightEye)) [{}Shoulder=collar({}UpperArm=shoulder({}LowerArm=elbow({}Hand=wrist({}ThumbMetacarpal))))]))) [{}UpperLeg=hip({}LowerLeg=knee({}Foot=ankle({}Toes=foot)))])|left right",
    "Unreal mannequin": "root(pelvis=pelvis(spine_01=spine1(spine_02=spine2(spine_03=spine3([clavicle_{}=collar(upperarm_{}=shoulder(lowerarm_{}=elbow(hand_{}=wrist(index_01_{} thumb_01_{}) lowerarm_twist_01_{}) upperarm_twist_01_{}))] neck_01=neck(head=head)))) [thigh_{}=hip(calf_{}=knee(calf_twist_01_{} foot_{}=ankle(ball_{}=foot)) thigh_twist_01_{})]) ik_foot_root([ik_foot_{}]) ik_hand_root(ik_hand_gun([ik_hand_{}])))|l r",
    "Unreal 5 Manny": "root(pelvis=pelvis(spine_01=spine1(spine_02(spine_03=spine2(spine_04(spine_05=spine3([clavicle_{}=collar(upperarm_{}=shoulder(upperarm_correctiveRoot_{} lowerarm_{}=elbow(lowerarm_twist_02_{} hand_{}=wrist(pinky_metacarpal_{}(pinky_01_{}))) upperarm_twist_01_{}))] neck_01=neck(neck_02(head=head))))))) [thigh_{}=hip(calf_{}=knee(foot_{}=ankle(ball_{}=foot) calf_twist_02_{}) thigh_correctiveRoot_{})]) interaction center_of_mass)|l r",
    "Bandai-Namco": "joint_Root(Hips=pelvis(Spine=spine1(Chest=spine3(Neck=neck(Head=head) [Shoulder_{}=collar(UpperArm_{}=shoulder(LowerArm_{}=elbow(Hand_{}=wrist)))])) [UpperLeg_{}=hip(LowerLeg_{}=knee(Foot_{}=ankle(Toes_{}=foot)))]))|L R",
    "Perception Neuron": "Hips=pelvis([{}UpLeg=hip({}Leg=knee({}Foot=ankle))] Spine=spine1(Spine1=spine2(Spine2=spine3(Spine3([{}Shoulder=collar({}Arm=shoulder({}ForeArm=elbow({}Hand=wrist({}HandThumb1({}HandThumb2) {}InHandIndex({}HandIndex1)))))] Neck=neck(Head=head))))))|Left Right",
    "Truebones": "Hips=pelvis([BN_{}_UpLeg=hip(BN_{}_Leg=knee(BN_{}_Foot=ankle(BN_{}_Toe=foot)))] BN_Spine=spine1(BN_Spine1=spine3(BN_Neck=neck(BN_Head=head) [BN_{}_Shoulder=collar(BN_{}_Arm=shoulder(BN_{}_ForeArm=elbow(BN_{}_Hand=wrist)))])))|Left Right",
    "LAFAN1": "Hips=pelvis([{}UpLeg=hip({}Leg=knee({}Foot=ankle({}Toe=foot)))] Spine=spine1(Spine1=spine2(Spine2=spine3(Neck=neck(Head=head) [{}Shoulder=collar({}Arm=shoulder({}ForeArm=elbow({}Hand=wrist)))]))))|Left Right",
    "SMPL": "Pelvis=pelvis([{}_Hip=hip({}_Knee=knee({}_Ankle=ankle({}_Foot=foot)))] Spine1=spine1(Spine2=spine2(Spine3=spine3(Neck=neck(Head=head) [{}_Collar=collar({}_Shoulder=shoulder({}_Elbow=elbow({}_Wrist=wrist({}_Hand))))]))))|L R",
    "SMPL in MuJoCo": "Pelvis=pelvis([{}_Hip=hip({}_Knee=knee({}_Ankle=ankle({}_Toe=foot)))] Torso=spine1(Spine=spine2(Chest=spine3(Neck=neck(Head=head) [{}_Thorax=collar({}_Shoulder=shoulder({}_Elbow=elbow({}_Wrist=wrist({}_Hand))))]))))|L R",
    "SMPL-X": "root(pelvis=pelvis([{}_hip=hip({}_knee=knee({}_ankle=ankle({}_foot=foot)))] spine1=spine1(spine2=spine2(spine3=spine3(neck=neck(head=head(jaw left_eye_smplhf right_eye_smplhf)) [{}_collar=collar({}_shoulder=shoulder({}_elbow=elbow({}_wrist=wrist({}_index1({}_index2) {}_thumb1))))])))))|left right",
    "Kinect for Azure": "PELVIS=pelvis(SPINE_NAVEL=spine1(SPINE_CHEST=spine3(NECK=neck(HEAD=head(NOSE EYE_LEFT EAR_LEFT)) [CLAVICLE_{}=collar(SHOULDER_{}=shoulder(ELBOW_{}=elbow(WRIST_{}=wrist(HAND_{}(HANDTIP_{}) THUMB_{}))))])) [HIP_{}=hip(KNEE_{}=knee(ANKLE_{}=ankle(FOOT_{}=foot)))])|LEFT RIGHT",
    "ARKit": "root(hips_joint=pelvis([{}_upLeg_joint=hip({}_leg_joint=knee({}_foot_joint=ankle({}_toes_joint=foot({}_toesEnd_joint))))] spine_1_joint=spine1(spine_2_joint(spine_4_joint=spine2(spine_6_joint(spine_7_joint=spine3([{}_shoulder_1_joint=collar({}_arm_joint=shoulder({}_forearm_joint=elbow({}_hand_joint=wrist({}_handThumbStart_joint))))] neck_1_joint=neck(neck_2_joint(head_joint=head(jaw_joint))))))))))|left right",
    "Biovision classic": "Hips=pelvis([{}Hip=hip({}Knee=knee({}Ankle=ankle))] Chest=spine2([{}Collar=collar({}Shoulder=shoulder({}Elbow=elbow({}Wrist=wrist)))] Neck=neck(Head=head)))|Left Right",
    "Second Life": "mPelvis=pelvis(mTorso=spine1(mChest=spine3(mNeck=neck(mHead=head(mSkull mEyeLeft)) [mCollar{}=collar(mShoulder{}=shoulder(mElbow{}=elbow(mWrist{}=wrist)))])) [mHip{}=hip(mKnee{}=knee(mAnkle{}=ankle(mFoot{}=foot(mToe{}=tip))))])|Left Right",
    "Daz Genesis 8": "hip=pelvis(pelvis([{}ThighBend=hip({}ThighTwist({}Shin=knee({}Foot=ankle({}Metatarsals({}Toe=foot)))))]) abdomenLower=spine1(abdomenUpper=spine2(chestLower(chestUpper=spine3([{}Collar=collar({}ShldrBend=shoulder({}ShldrTwist({}ForearmBend=elbow({}ForearmTwist({}Hand=wrist({}Thumb1 {}Carpal1))))))] neckLower=neck(neckUpper(head=head(upperFaceRig))))))))|l r",
    "Daz Genesis 9": "hip=pelvis(pelvis([{}_thigh=hip({}_thightwist1 {}_shin=knee({}_foot=ankle({}_metatarsals({}_toes=foot))))]) spine1=spine1(spine2=spine2(spine3(spine4=spine3([{}_shoulder=collar({}_upperarm=shoulder({}_upperarmtwist1 {}_forearm=elbow({}_forearmtwist1 {}_hand=wrist({}_thumb1))))] neck1=neck(neck2(head=head)))))))|l r",
    "Cascadeur": "pelvis=pelvis(stomach=spine1(chest=spine3(neck=neck(head=head) [clavicle_{}=collar(arm_{}=shoulder(forearm_{}=elbow(hand_{}=wrist(f_index1_{}))))])) [thigh_{}=hip(calf_{}=knee(foot_{}=ankle(toe_{}=foot)))])|l r",
    "iClone": "RL_BoneRoot(CC_Base_Hip=pelvis(CC_Base_Pelvis([CC_Base_{}_Thigh=hip(CC_Base_{}_ThighTwist01 CC_Base_{}_Calf=knee(CC_Base_{}_CalfTwist01 CC_Base_{}_KneeShareBone CC_Base_{}_Foot=ankle(CC_Base_{}_ToeBaseShareBone CC_Base_{}_ToeBase=foot(CC_Base_{}_BigToe1))))]) CC_Base_Waist=spine1(CC_Base_Spine01=spine2(CC_Base_Spine02=spine3(CC_Base_NeckTwist01=neck(CC_Base_NeckTwist02(CC_Base_Head=head(CC_Base_JawRoot))) [CC_Base_{}_Clavicle=collar(CC_Base_{}_Upperarm=shoulder(CC_Base_{}_UpperarmTwist01 CC_Base_{}_Forearm=elbow(CC_Base_{}_ElbowShareBone CC_Base_{}_Hand=wrist(CC_Base_{}_Thumb1))))] [CC_Base_{}_RibsTwist(CC_Base_{}_Breast)])))))|L R",
    "Advanced Skeleton": "Root_M=pelvis(RootPart1_M(Spine1_M=spine1(Spine1Part1_M(Chest_M=spine3(Neck_M=neck(NeckPart1_M(Head_M=head(Jaw_M))) [Scapula_{}=collar(Shoulder_{}=shoulder(ShoulderPart1_{}(Elbow_{}=elbow(ElbowPart1_{}(Wrist_{}=wrist(MiddleFinger1_{}))))))])))) [Hip_{}=hip(HipPart1_{}(Knee_{}=knee(Ankle_{}=ankle(Toes_{}=foot))))])|L R",
    "OptiTrack Motive": "Skeleton_001:Hip=pelvis(Skeleton_001:Ab=spine1(Skeleton_001:Chest=spine3(Skeleton_001:Neck=neck(Skeleton_001:Head=head) [Skeleton_001:{}Shoulder=collar(Skeleton_001:{}UArm=shoulder(Skeleton_001:{}FArm=elbow(Skeleton_001:{}Hand=wrist(Skeleton_001:{}Thumb1))))])) [Skeleton_001:{}Thigh=hip(Skeleton_001:{}Shin=knee(Skeleton_001:{}Foot=ankle(Skeleton_001:{}Toe=foot)))])|L R",
    "mocopi": "root=pelvis(torso_1=spine1(torso_2(torso_3(torso_4=spine2(torso_5(torso_6(torso_7=spine3(neck_1=neck(neck_2(head=head)) [{}_shoulder=collar({}_up_arm=shoulder({}_low_arm=elbow({}_hand=wrist)))]))))))) [{}_up_leg=hip({}_low_leg=knee({}_foot=ankle({}_toes=foot)))])|l r",
    "MikuMikuDance": "センター=pelvis(上半身=spine1(上半身2=spine3(首=neck(頭=head(両目)) [{}肩=collar({}腕=shoulder({}腕捩 {}ひじ=elbow({}手首=wrist({}人指１))))])) 下半身([{}足=hip({}ひざ=knee({}足首=ankle({}つま先=foot)))]))|左 右",
    "MikuMikuDance in English": "center=pelvis(upper_body=spine1(upper_body2=spine3(neck=neck(head=head) [shoulder_{}=collar(arm_{}=shoulder(arm_twist_{} elbow_{}=elbow(wrist_{}=wrist)))])) lower_body([leg_{}=hip(knee_{}=knee(ankle_{}=ankle(toe_{}=foot)))]))|L R",
    "Valve": "ValveBiped.Bip01_Pelvis=pelvis([ValveBiped.Bip01_{}_Thigh=hip(ValveBiped.Bip01_{}_Calf=knee(ValveBiped.Bip01_{}_Foot=ankle(ValveBiped.Bip01_{}_Toe0=foot)))] ValveBiped.Bip01_Spine=spine1(ValveBiped.Bip01_Spine1=spine2(ValveBiped.Bip01_Spine2(ValveBiped.Bip01_Spine4=spine3(ValveBiped.Bip01_Neck1=neck(ValveBiped.Bip01_Head1=head(ValveBiped.forward)) [ValveBiped.Bip01_{}_Clavicle=collar(ValveBiped.Bip01_{}_UpperArm=shoulder(ValveBiped.Bip01_{}_Forearm=elbow(ValveBiped.Bip01_{}_Hand=wrist(ValveBiped.Anim_Attachment_{}H))))])))))|L R",
    "Maya joints": "hips_jnt=pelvis([{}_hip_jnt=hip({}_knee_jnt=knee({}_ankle_jnt=ankle({}_ball_jnt=foot({}_toe_jnt))))] spine_01_jnt=spine1(spine_02_jnt=spine2(chest_jnt=spine3([{}_clavicle_jnt=collar({}_shoulder_jnt=shoulder({}_elbow_jnt=elbow({}_wrist_jnt=wrist)))] neck_jnt=neck(head_jnt=head)))))|L R",
    "a namespace and a pipe": "grp|Anna:Hips=pelvis([grp|Anna:{}UpLeg=hip(grp|Anna:{}Leg=knee(grp|Anna:{}Foot=ankle(grp|Anna:{}ToeBase=foot)))] grp|Anna:Spine=spine1(grp|Anna:Spine1=spine3(grp|Anna:Neck=neck(grp|Anna:Head=head) [grp|Anna:{}Shoulder=collar(grp|Anna:{}Arm=shoulder(grp|Anna:{}ForeArm=elbow(grp|Anna:{}Hand=wrist)))])))|Left Right",
}


def parse(text):
    """`(names, parents, parts)`; sides written out."""
    tree, words = text.rsplit("|", 1)
    names, parents, parts = [], [], []

    def split(inner):
        """Top-level pieces of "a(b c) [d(e)] f"."""
        depth, piece, out = 0, "", []
        for letter in inner:
            depth += (letter in "([") - (letter in ")]")
            if letter == " " and depth == 0:
                out.append(piece)
                piece = ""
            else:
                piece += letter
        return [item for item in [*out, piece] if item]

    def emit(piece, parent, side):
        if piece.startswith("["):
            for which, word in zip(("left", "right"), words.split()):
                for item in split(piece[1:-1].replace("{}", word)):
                    emit(item, parent, which)
            return
        head, bracket, inner = piece.partition("(")
        name, _, part = head.partition("=")
        names.append(name.replace("Bip001_", "Bip001 ").replace("Bip01_", "Bip01 ") if name.startswith("Bip") else name)
        parents.append(parent)
        parts.append(f"{side}_{part}" if side and part else part)
        at = len(names) - 1
        if bracket:
            for item in split(inner[:-1]):
                emit(item, at, side)

    emit(tree, -1, None)
    return names, parents, parts


def build(text):
    """Nodes of the BVH writer, `{our joint: node}`, and the writer's parts that its walk bends."""
    names, parents, parts = parse(text)
    places = []
    for index, part in enumerate(parts):
        side, _, bare = part.rpartition("_")
        sign = -1 if side == "right" else 1
        if part in HEIGHTS:
            at = np.array([0.0, HEIGHTS[part], -0.01])
        elif part:
            x, y, z = (0.09, 0.02, 0.26) if bare == "tip" else bvh_writer.REST[PARTS[bare]]
            at = np.array([sign * x, y, z])
        elif parents[index] < 0:
            at = np.zeros(3)
        else:
            # Helpers lie close by; in front of the joints below them where there are some.
            at = places[parents[index]] + (np.array([0.01, 0.02, 0.03]) if index % 2 else np.array([0.0, 0.03, 0.02]))
            if any(parents[k] == index and parts[k] for k in range(len(parts))):
                at = places[parents[index]].copy()
        places.append(at)
    nodes = []
    for index, name in enumerate(names):
        offset = places[index] - (places[parents[index]] if parents[index] >= 0 else 0)
        nodes.append([name, parents[index], offset, False])
    where = {part: index for index, part in enumerate(parts) if part}
    leaves = [index for index in range(len(names)) if index not in parents]
    for index in leaves:
        end = np.array([0.0, 0.1, 0.0]) if parts[index] == "head" else np.array([0.0, 0.0, 0.1])
        side, _, bare = parts[index].rpartition("_")
        if bare == "wrist":
            end = np.array([0.15 if side == "left" else -0.15, 0.0, 0.0])
        if bare == "ankle":
            end = np.array([0.0, -0.05, 0.13])
        nodes.append(["", index, end, True])
    nodes, where = bvh_writer.in_file_order(nodes, where)
    walked = {"hips": where["pelvis"]}
    for side in ("left", "right"):
        for ours, theirs in (("hip", "thigh"), ("knee", "shin"), ("shoulder", "upperarm")):
            walked[f"{side}_{theirs}"] = where[f"{side}_{ours}"]
    return nodes, where, walked


@pytest.mark.parametrize("rig", list(RIGS))
@pytest.mark.parametrize("side_swapped", [False, True])
def test_every_joint_by_its_name(rig, side_swapped):
    nodes, where, walked = build(RIGS[rig])
    if side_swapped:
        # The person's right side is called left: names say so, feet and knees say otherwise.
        nodes = [[name, parent, offset * [-1, 1, 1], end] for name, parent, offset, end in nodes]
    angles, root = bvh_writer.walk(nodes, walked, num_frames=20)
    if side_swapped:
        angles = angles * [1, -1, -1]
    root = root - [0, 0.93, 0] + (nodes[0][2] if where["pelvis"] == 0 else 0)
    motion = read_motion(bvh_writer.write_bvh(nodes, angles, root, scale=100))
    truth = bvh_writer.pose(nodes, angles, root)
    assert motion.skeleton != "by shape", motion.assumed
    swapped = any("right side left" in note for note in motion.assumed)
    no_feet = any("foot joint built" in note for note in motion.assumed)
    assert swapped == (side_swapped and not no_feet)
    for part, node in where.items():
        if part in ("spine1", "spine2", "spine3", "neck2") or part.endswith("tip"):
            continue
        name = part.replace("left", "@").replace("right", "left").replace("@", "right") if swapped else part
        off = np.abs(motion.joints[:, TARGET_NAMES.index(name)] - truth[:, node]).max()
        assert off < 2e-3, (part, nodes[node][0], off, motion.assumed)


def test_a_head_without_a_name_is_said():
    nodes, _, walked = build(RIGS["Rigify metarig"])
    motion = read_motion(bvh_writer.write_bvh(nodes, *bvh_writer.walk(nodes, walked), scale=100))
    assert any("spine.006" in note for note in motion.assumed)


def test_two_people_in_one_file_are_said():
    nodes, _, walked = build(RIGS["LAFAN1"])
    angles, root = bvh_writer.walk(nodes, walked)
    alone = read_motion(bvh_writer.write_bvh(nodes, angles, root, scale=100))
    both = nodes + [
        [f"Two:{name}" if name else name, parent + len(nodes) if parent >= 0 else -1, offset, end]
        for name, parent, offset, end in nodes
    ]
    motion = read_motion(bvh_writer.write_bvh(both, np.concatenate([angles, angles[::-1]], axis=1), root, scale=100))
    assert any("2 skeletons" in note for note in motion.assumed)
    np.testing.assert_allclose(motion.joints, alone.joints, atol=1e-5)


def nameless(bend):
    nodes, where, walked = build(RIGS["Biovision classic"])
    nodes = [["" if end else f"node{index}", parent, offset, end] for index, (_, parent, offset, end) in enumerate(nodes)]
    for index, node in enumerate(nodes):  # no feet
        if node[3] and node[1] in (where["left_ankle"], where["right_ankle"]):
            nodes[index][2] = np.array([0.0, -0.05, 0.0])
    angles, root = bvh_writer.walk(nodes, walked, bend=bend)
    return bvh_writer.write_bvh(nodes, angles, root, scale=100), where


def test_sides_that_nothing_tells_are_refused_and_a_joint_map_tells_them():
    data, where = nameless(bend=0.0)
    with pytest.raises(MotionFormatError, match="left from right") as caught:
        read_motion(data)
    assert "--joint-map" in caught.value.remedy
    limbs = {part: f"node{node}" for part, node in where.items() if part not in ("neck", "spine2", "pelvis")}
    motion = read_motion(data, joint_map=limbs)
    assert (motion.joints[:, TARGET_NAMES.index("left_hip"), 0] > motion.joints[:, TARGET_NAMES.index("right_hip"), 0]).all()
    swapped = read_motion(
        data,
        joint_map={
            part.replace("left", "@").replace("right", "left").replace("@", "right"): name for part, name in limbs.items()
        },
    )
    np.testing.assert_allclose(swapped.joints[:, 1], motion.joints[:, 2], atol=1e-6)
