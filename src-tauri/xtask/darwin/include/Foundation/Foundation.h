/* For mac-notification-sys, the only Objective-C that is compiled: declarations of what its sources use, so that
   they compile without an SDK. */
#pragma once
#import <objc/objc.h>
#import <objc/runtime.h>
#import <objc/NSObject.h>
#import <objc/NSObjCRuntime.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <stdbool.h>
#include <dispatch/dispatch.h>

typedef double NSTimeInterval;
typedef const struct __CFString *CFStringRef;
typedef const struct __CFArray *CFArrayRef;
typedef struct __CFError *CFErrorRef;

@class NSString, NSArray, NSDictionary, NSDate, NSURL, NSImage, NSAttributedString;

@interface NSObject (KVC)
- (id)valueForKey:(NSString *)key;
- (void)setValue:(id)value forKey:(NSString *)key;
@end

typedef struct {
  unsigned long state;
  id __unsafe_unretained *itemsPtr;
  unsigned long *mutationsPtr;
  unsigned long extra[5];
} NSFastEnumerationState;
@protocol NSFastEnumeration
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState *)s
                                  objects:(id __unsafe_unretained [])b count:(NSUInteger)n;
@end

@interface NSString : NSObject
+ (instancetype)stringWithFormat:(NSString *)f, ...;
- (const char *)UTF8String;
- (BOOL)isEqualToString:(NSString *)o;
- (NSUInteger)length;
- (double)doubleValue;
- (NSArray *)componentsSeparatedByString:(NSString *)s;
@end
@interface NSArray : NSObject <NSFastEnumeration>
- (NSUInteger)count;
- (id)objectAtIndexedSubscript:(NSUInteger)i;
@end
@interface NSDictionary : NSObject
- (id)objectForKeyedSubscript:(id)k;
@end
@interface NSNumber : NSObject
+ (NSNumber *)numberWithBool:(BOOL)v;
+ (NSNumber *)numberWithInt:(int)v;
- (unsigned long long)unsignedLongLongValue;
@end
@interface NSDate : NSObject
+ (instancetype)date;
+ (instancetype)dateWithTimeIntervalSince1970:(NSTimeInterval)t;
+ (instancetype)dateWithTimeIntervalSinceNow:(NSTimeInterval)t;
- (NSTimeInterval)timeIntervalSinceNow;
@end
@interface NSData : NSObject
+ (instancetype)dataWithBytes:(const void *)b length:(NSUInteger)n;
@property(readonly) const void *bytes;
@end
@interface NSURL : NSObject
+ (instancetype)URLWithString:(NSString *)s;
+ (NSURL *)fileURLWithPath:(NSString *)s;
- (NSString *)scheme;
@end
@interface NSUUID : NSObject
- (instancetype)initWithUUIDString:(NSString *)s;
- (instancetype)initWithUUIDBytes:(const unsigned char *)b;
- (void)getUUIDBytes:(unsigned char *)b;
- (NSString *)UUIDString;
@end
@interface NSBundle : NSObject
+ (NSBundle *)mainBundle;
- (NSString *)bundleIdentifier;
@end
@interface NSThread : NSObject
+ (BOOL)isMainThread;
@end
@interface NSTimer : NSObject
+ (NSTimer *)timerWithTimeInterval:(NSTimeInterval)t repeats:(BOOL)r block:(void (^)(NSTimer *))b;
- (void)invalidate;
@end
extern NSString *const NSDefaultRunLoopMode;
@interface NSRunLoop : NSObject
+ (NSRunLoop *)currentRunLoop;
+ (NSRunLoop *)mainRunLoop;
- (void)runUntilDate:(NSDate *)d;
- (void)addTimer:(NSTimer *)t forMode:(NSString *)m;
@end
@interface NSAttributedString : NSObject
@property(readonly, copy) NSString *string;
@end
@interface NSAppleEventDescriptor : NSObject
- (NSString *)stringValue;
@end
@interface NSAppleScript : NSObject
- (instancetype)initWithSource:(NSString *)s;
- (NSAppleEventDescriptor *)executeAndReturnError:(NSDictionary **)e;
@end

typedef NSInteger NSUserNotificationActivationType;
enum {
  NSUserNotificationActivationTypeNone = 0,
  NSUserNotificationActivationTypeContentsClicked = 1,
  NSUserNotificationActivationTypeActionButtonClicked = 2,
  NSUserNotificationActivationTypeReplied = 3,
  NSUserNotificationActivationTypeAdditionalActionClicked = 4
};
extern NSString *const NSUserNotificationDefaultSoundName;
@interface NSUserNotification : NSObject
@property(copy) NSString *title, *subtitle, *informativeText, *actionButtonTitle, *otherButtonTitle;
@property(copy) NSString *identifier, *soundName, *responsePlaceholder;
@property(copy) NSDate *deliveryDate;
@property BOOL hasActionButton, hasReplyButton;
@property(copy) NSImage *contentImage;
@property(readonly, copy) NSAttributedString *response;
@property(readonly) NSUserNotificationActivationType activationType;
@end
@class NSUserNotificationCenter;
@protocol NSUserNotificationCenterDelegate <NSObject>
@optional
- (void)userNotificationCenter:(NSUserNotificationCenter *)c didDeliverNotification:(NSUserNotification *)n;
- (void)userNotificationCenter:(NSUserNotificationCenter *)c didActivateNotification:(NSUserNotification *)n;
- (BOOL)userNotificationCenter:(NSUserNotificationCenter *)c shouldPresentNotification:(NSUserNotification *)n;
@end
@interface NSUserNotificationCenter : NSObject
+ (NSUserNotificationCenter *)defaultUserNotificationCenter;
@property(assign) id<NSUserNotificationCenterDelegate> delegate;
@property(readonly, copy) NSArray *deliveredNotifications;
- (void)deliverNotification:(NSUserNotification *)n;
- (void)scheduleNotification:(NSUserNotification *)n;
- (void)removeDeliveredNotification:(NSUserNotification *)n;
@end
