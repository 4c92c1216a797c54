#pragma once
#import <Foundation/Foundation.h>
extern CFArrayRef LSCopyApplicationURLsForBundleIdentifier(CFStringRef identifier, CFErrorRef *error);
